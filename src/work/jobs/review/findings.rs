//! Findings side by side: what was said already, and which comes first.

use super::super::Finding;

/// Adds a finding unless the same was said; the worse one of two alike stays. Tells whether
/// it is new.
pub(super) fn add(finding: Finding, to: &mut Vec<Finding>) -> bool {
    let same = to.iter_mut().find(|known| {
        known.path == finding.path
            && known.line == finding.line
            && known.side == finding.side
            && (known.category == finding.category
                || strsim::normalized_levenshtein(&known.title, &finding.title) > 0.7)
    });
    if let Some(known) = same {
        known.severity = known.severity.max(finding.severity);
        return false;
    }
    to.push(finding);
    true
}

/// Worst first, then by place.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| a.line.cmp(&b.line))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;
    use crate::jobs::Severity;
    use crate::repo::DiffKind;

    #[test]
    fn the_same_is_said_once_and_the_worst_comes_first() {
        let finding = |line: u32, severity, title: &str| Finding {
            path: RepoPath::new("src/a.rs").expect("good path"),
            line,
            side: DiffKind::Added,
            severity,
            category: "bug".to_owned(),
            quote: String::new(),
            title: title.to_owned(),
            reason: String::new(),
            verified: true,
            rule: None,
            suggestion: None,
            secret: None,
        };
        let mut all = Vec::new();
        assert!(add(finding(2, Severity::Note, "a"), &mut all));
        assert!(!add(finding(2, Severity::Warning, "b"), &mut all));
        assert!(add(finding(1, Severity::Error, "c"), &mut all));
        sort(&mut all);
        let told: Vec<_> = all.iter().map(|f| (f.line, f.severity)).collect();
        assert_eq!(told, [(1, Severity::Error), (2, Severity::Warning)]);
    }
}
