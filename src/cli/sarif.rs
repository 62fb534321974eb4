//! A review as SARIF 2.1.0, which code hosts and editors read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::jobs::Finding;
use crate::jobs::review::fingerprint;
use crate::repo::DiffKind;

/// The log of a review.
pub(super) fn log(findings: &[Finding]) -> Value {
    let categories: BTreeSet<&str> = findings.iter().map(rule).collect();
    let rules: Vec<Value> = categories
        .iter()
        .map(|category| json!({"id": category, "shortDescription": {"text": category}}))
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "homebody",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

/// The rule that a finding goes by: one of ours, or of the model's the category.
fn rule(finding: &Finding) -> &str {
    finding.rule.as_deref().unwrap_or(&finding.category)
}

/// A finding as a result of the log.
fn result(finding: &Finding) -> Value {
    // A removed line has no place in the file as it is: then the file alone is named.
    let physical = if finding.side == DiffKind::Removed || finding.is_of_file() {
        json!({"artifactLocation": {"uri": uri(finding.path.as_str())}})
    } else {
        json!({
            "artifactLocation": {"uri": uri(finding.path.as_str())},
            "region": {"startLine": finding.line, "snippet": {"text": finding.quote}},
        })
    };
    let message = format!("{}\n\n{}", finding.title, finding.reason);
    let mut result = json!({
        "ruleId": rule(finding),
        "level": finding.severity.word(),
        "message": {"text": message.trim_end()},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"homebody/v1": fingerprint(finding)},
        "properties": {
            "verified": finding.verified,
            "category": finding.category,
            "byModel": finding.rule.is_none(),
        },
    });
    if let Some(new) = finding.suggestion.as_ref().filter(|_| finding.line > 0) {
        let line = finding.line;
        result["fixes"] = json!([{
            "description": {"text": format!("Write line {line} anew")},
            "artifactChanges": [{
                "artifactLocation": {"uri": uri(finding.path.as_str())},
                "replacements": [{
                    "deletedRegion": {
                        "startLine": line,
                        "startColumn": 1,
                        "endLine": line + 1,
                        "endColumn": 1,
                    },
                    "insertedContent": {"text": new},
                }],
            }],
        }]);
    }
    result
}

/// A relative path as a URI: everything but the plainest characters in percent form.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;
    use crate::jobs::Severity;

    #[test]
    fn findings_become_results_with_rules_and_places() {
        let finding = Finding {
            path: RepoPath::new("src/a b%.rs").expect("good"),
            line: 7,
            side: DiffKind::Added,
            severity: Severity::Error,
            category: "bug".to_owned(),
            quote: "x.unwrap()".to_owned(),
            title: "panics".to_owned(),
            reason: "on empty input".to_owned(),
            verified: true,
            rule: None,
            suggestion: None,
            secret: None,
        };
        let log = log(&[finding.clone(), finding]);
        let run = &log["runs"][0];
        assert_eq!(
            run["tool"]["driver"]["rules"].as_array().map(Vec::len),
            Some(1)
        );
        let place = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "src/a%20b%25.rs");
        assert_eq!(place["region"]["startLine"], 7);
        assert_eq!(run["results"][0]["level"], "error");
    }

    #[test]
    fn the_official_schema_knows_all_of_it() {
        let finding = |line, side, suggestion: Option<&str>, rule: Option<&str>| Finding {
            path: RepoPath::new("src/ü x.rs").expect("good"),
            line,
            side,
            severity: Severity::Warning,
            category: "security".to_owned(),
            quote: "a\u{1f600}\tb".to_owned(),
            title: "title".to_owned(),
            reason: String::new(),
            verified: false,
            rule: rule.map(str::to_owned),
            suggestion: suggestion.map(str::to_owned),
            secret: None,
        };
        let log = log(&[
            finding(3, DiffKind::Added, Some("new\nlines\n"), None),
            finding(4, DiffKind::Removed, None, None),
            finding(0, DiffKind::Added, None, Some("large-file")),
        ]);
        let typed: serde_sarif::sarif::Sarif =
            serde_json::from_value(log.clone()).expect("of the schema's types");
        // Nothing was passed over as unknown.
        assert_eq!(serde_json::to_value(&typed).expect("JSON"), log);
        assert_eq!(
            serde_json::to_value(&typed.runs[0].results).expect("JSON")[2]["ruleId"],
            "large-file"
        );
        let schema = jsonschema::validator_for(&official()).expect("a schema");
        let faults: Vec<String> = schema.iter_errors(&log).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
        let mut broken = log;
        broken["runs"][0]["results"][0]["level"] = json!("bad");
        assert!(!schema.is_valid(&broken));
    }

    /// The schema of the standard, from the package of the types that were made of it.
    fn official() -> Value {
        let cargo = |args: &[&str]| {
            let command = std::process::Command::new(env!("CARGO"))
                .args(args)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .output()
                .expect("cargo runs");
            String::from_utf8(command.stdout).expect("text")
        };
        let version = cargo(&["-vV"]);
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        // Packages of other platforms are not here, and would be asked for.
        let host = host.expect("named").trim();
        let metadata = ["metadata", "--offline", "--format-version=1"];
        let metadata = cargo(&[&metadata[..], &["--filter-platform", host]].concat());
        let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        let package = packages
            .iter()
            .find(|package| package["name"] == "serde-sarif");
        let manifest = package.and_then(|package| package["manifest_path"].as_str());
        let schema = std::path::Path::new(manifest.expect("it is there"))
            .with_file_name("src")
            .join("schema.json");
        let schema = std::fs::read(schema).expect("read");
        let mut schema: Value = serde_json::from_slice(&schema).expect("JSON");
        // The pattern for languages has a bracket too many; none is written.
        for of in ["run", "toolComponent"] {
            let language = &mut schema["definitions"][of]["properties"]["language"];
            language.as_object_mut().expect("told").remove("pattern");
        }
        schema
    }
}
