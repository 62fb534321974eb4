//! Tests of what a file has beside its text.

use super::*;

#[cfg(target_os = "linux")]
#[test]
fn attributes_and_access_lists_are_kept() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    const LIST: &str = "system.posix_acl_access";
    let place = Place::new(&FILES);
    let at = |name: &str| place.root.path().join(name);
    // Version 2; of the owner rw-, of user 7 r--, of the group r--, mask r--, of others nothing.
    let entry = |tag: u16, rights: u16, id: u32| {
        let parts = [
            &tag.to_le_bytes()[..],
            &rights.to_le_bytes(),
            &id.to_le_bytes(),
        ];
        parts.concat()
    };
    let list = [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, u32::MAX),
        entry(2, 4, 7),
        entry(4, 4, u32::MAX),
        entry(16, 4, u32::MAX),
        entry(32, 0, u32::MAX),
    ]
    .concat();
    for name in ["src/a", "was"] {
        let set = |attribute: &str, value: &[u8]| {
            setxattr(at(name), attribute, value, XattrFlags::empty()).expect("attributes");
        };
        set("user.origin", b"somewhere");
        set(LIST, &list);
    }
    let read = |name: &str, attribute: &str| {
        let mut value = vec![0; 1000];
        let used = getxattr(at(name), attribute, value.as_mut_slice());
        value.truncate(used.expect("there"));
        value
    };
    let kept = |name: &str| {
        assert_eq!(read(name, "user.origin"), b"somewhere", "{name}");
        assert_eq!(read(name, LIST), list, "{name}");
    };
    place.apply(&every_kind()).expect("applied");
    for name in ["src/a", "moved/is"] {
        kept(name);
    }
    place.undo().expect("undone");
    for name in ["src/a", "was"] {
        kept(name);
    }
}

#[cfg(unix)]
#[test]
fn other_names_of_a_file_keep_the_old_text_and_that_is_said() {
    use crate::patch::attributes::losses;
    let place = Place::new(&FILES);
    let change = every_kind();
    assert_eq!(losses(place.root.path(), &change), [""; 0]);
    let outside = place.records.path().join("b");
    for name in ["src/a", "src/old"] {
        fs::hard_link(place.root.path().join(name), &outside).expect("linked");
        let said = losses(place.root.path(), &change);
        fs::remove_file(&outside).expect("removed");
        // A file that is removed loses nothing: its other names keep what it was.
        assert_eq!(said.len(), usize::from(name == "src/a"), "{said:?}");
        assert!(
            said.iter().all(|text| text.contains("hard link")),
            "{said:?}"
        );
    }
    fs::hard_link(place.root.path().join("src/a"), &outside).expect("linked");
    place.apply(&change).expect("applied");
    assert_eq!(fs::read_to_string(&outside).expect("there"), "1\n");
}
