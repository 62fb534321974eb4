//! Following a source, held against copies with changes.

use proptest::prelude::*;

use super::length::MOST;
use super::*;

/// The tokens of `answer`, behind `prompt`, that were not expected.
fn unexpected(prompt: &[u32], answer: &[u32]) -> Vec<usize> {
    let mut odds = Odds::default();
    let mut lookup = Lookup::new(prompt, &odds);
    let mut missed = Vec::new();
    for (i, token) in answer.iter().enumerate() {
        if lookup.draft(1) != [*token] {
            missed.push(i);
        }
        lookup.push(*token, &mut odds);
    }
    missed
}

#[test]
fn a_copy_is_expected_from_its_fourth_token_on() {
    let prompt: Vec<u32> = (100..300).collect();
    let missed = unexpected(&prompt, &prompt[50..150]);
    assert_eq!(missed, [0, 1, 2]);
}

#[test]
fn a_changed_token_costs_one() {
    let prompt: Vec<u32> = (100..300).collect();
    let mut answer = prompt[50..150].to_vec();
    answer[40] = 7;
    assert_eq!(unexpected(&prompt, &answer), [0, 1, 2, 40]);
}

#[test]
fn tokens_put_in_cost_themselves_and_one_more() {
    let prompt: Vec<u32> = (100..300).collect();
    for count in 1..40 {
        let mut answer = prompt[50..90].to_vec();
        answer.extend(1000..1000 + count);
        answer.extend_from_slice(&prompt[90..150]);
        let wanted = [0, 1, 2].into_iter().chain(40..=40 + count as usize);
        assert_eq!(unexpected(&prompt, &answer), wanted.collect::<Vec<_>>());
    }
}

#[test]
fn tokens_left_out_cost_one() {
    let prompt: Vec<u32> = (100..300).collect();
    for count in 1..LEFT_OUT {
        let mut answer = prompt[50..90].to_vec();
        answer.extend_from_slice(&prompt[90 + count..200]);
        assert_eq!(unexpected(&prompt, &answer), [0, 1, 2, 40], "{count}");
    }
}

#[test]
fn what_is_copied_from_goes_before_what_came_later() {
    // Two functions with a line in common, after which they differ; the other one is later.
    let line: Vec<u32> = (500..512).collect();
    let one: Vec<u32> = [&(100..130).collect::<Vec<_>>()[..], &line, &[1, 2, 3]].concat();
    let other: Vec<u32> = [&(200..230).collect::<Vec<_>>()[..], &line, &[4, 5, 6]].concat();
    let prompt = [&one[..], &other].concat();
    assert_eq!(unexpected(&prompt, &one), [0, 1, 2]);
    // And with a token changed just before that line.
    let mut changed = one.clone();
    changed[29] = 7;
    assert_eq!(unexpected(&prompt, &changed), [0, 1, 2, 29]);
}

#[test]
fn a_circle_is_drafted_further_than_it_reaches() {
    let lookup = Lookup::new(&[9, 1, 2, 3, 1, 2, 3, 1], &Odds::default());
    assert_eq!(lookup.draft(7), [2, 3, 1, 2, 3, 1, 2]);
    assert!(
        Lookup::new(&[1, 2, 3, 4], &Odds::default())
            .draft(7)
            .is_empty()
    );
    assert!(Lookup::new(&[], &Odds::default()).draft(7).is_empty());
}

#[test]
fn a_source_is_given_up_in_the_end() {
    let prompt: Vec<u32> = (100..300).collect();
    let mut odds = Odds::default();
    let mut lookup = Lookup::new(&prompt, &odds);
    for token in (150..170).chain(1000..1000 + LOST as u32) {
        lookup.push(token, &mut odds);
    }
    assert!(lookup.followed.is_some());
    lookup.push(999, &mut odds);
    assert!(lookup.followed.is_none() && lookup.next().is_none());
}

proptest! {
    #[test]
    fn what_is_expected_stands_where_it_is_said_to(
        prompt in proptest::collection::vec(0_u32..6, 0..60),
        answer in proptest::collection::vec(0_u32..6, 0..200),
    ) {
        let mut odds = Odds::default();
        let mut lookup = Lookup::new(&prompt, &odds);
        let mut text = prompt;
        for token in answer {
            lookup.push(token, &mut odds);
            text.push(token);
            let draft = lookup.draft(MOST);
            let Some(source) = lookup.next() else {
                prop_assert!(draft.is_empty());
                continue;
            };
            let n = source.length;
            prop_assert!(n >= 3 || source.near);
            prop_assert_eq!(&text[source.at - n..source.at], &text[text.len() - n..]);
            let whole = [&text[..], &draft].concat();
            for (i, token) in draft.iter().enumerate() {
                prop_assert_eq!(*token, whole[source.at + i]);
            }
            prop_assert_eq!(draft.len(), MOST);
        }
    }
}
