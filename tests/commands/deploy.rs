//! The units of `examples/deploy`: whole, and with options that there are.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use k8s_openapi::api::apps::v1::DaemonSet;
use serde_json::{Value, json};

use crate::program::{reenact, repository};

/// What a shell line gives to `reenact capture` is understood by it.
fn is_understood(line: &str) {
    let (_, arguments) = line.split_once("reenact capture ").expect("it captures");
    // What the shell and the unit put in is of no matter here.
    let arguments = arguments.replace("$(HOST_IP)", "127.0.0.1").replace("$(date -u ", "$(date+").replace(['"', '\''], "");
    let help = reenact(["capture"].into_iter().chain(arguments.split_whitespace().take_while(|word| *word != "tcp")).chain(["--help"])).exits(0);
    assert!(help.stdout.contains("--cpu-limit"), "{}", help.stdout);
    for option in ["-i ", "-o ", "--key-file ", "--cpu-limit ", "--memory-limit ", "--metrics "] {
        assert!(arguments.contains(option), "{option} in {arguments}");
    }
}

#[test]
fn the_unit_of_systemd_is_one() {
    let path = repository("examples/deploy/reenact-capture.service");
    let unit = fs::read_to_string(&path).expect("it is committed");
    let lines = unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(lines.clone().all(|line| line.starts_with('[') || line.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.is_empty())));
    assert_eq!(lines.clone().filter(|line| line.starts_with('[')).collect::<Vec<_>>(), ["[Unit]", "[Service]", "[Install]"]);
    is_understood(lines.clone().find(|line| line.starts_with("ExecStart=")).expect("it starts something"));
    for setting in ["DynamicUser=yes", "AmbientCapabilities=CAP_NET_RAW", "CapabilityBoundingSet=CAP_NET_RAW", "NoNewPrivileges=yes", "LimitCORE=0"] {
        assert!(lines.clone().any(|line| line == setting), "{setting}");
    }
    match Command::new("systemd-analyze").args(["verify", &path]).output() {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&verified.stderr);
            // Where the binary is not installed, it says so; that is not the unit's fault.
            let faults = said.lines().filter(|line| line.contains("reenact-capture.service") && !line.contains("is not executable"));
            assert_eq!(faults.count(), 0, "{said}");
        }
        Err(_) => println!("skipped: systemd-analyze is not here"),
    }
}

/// The manifest for Kubernetes.
fn manifest() -> Value {
    let text = fs::read_to_string(repository("examples/deploy/reenact-capture.daemonset.yaml")).expect("it is committed");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

/// Where a document is not as Kubernetes' own schema wants it: types made of that schema read it and write it again, and pass over what they do not know.
fn faults(document: &Value) -> Vec<String> {
    match serde_json::from_value::<DaemonSet>(document.clone()) {
        Ok(known) => differences(document, &serde_json::to_value(known).expect("it is JSON"), ""),
        Err(error) => vec![error.to_string()],
    }
}

fn differences(given: &Value, known: &Value, place: &str) -> Vec<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            let names: BTreeSet<_> = given.keys().chain(known.keys()).collect();
            let field = |name: &String| {
                let place = format!("{place}/{name}");
                match (given.get(name), known.get(name)) {
                    (Some(given), Some(known)) => differences(given, known, &place),
                    (Some(_), None) => vec![format!("{place} is not known")],
                    (None, _) => vec![format!("{place} is missing")],
                }
            };
            names.into_iter().flat_map(field).collect()
        }
        (Value::Array(given), Value::Array(known)) if given.len() == known.len() => {
            let items = given.iter().zip(known).enumerate();
            items.flat_map(|(index, (given, known))| differences(given, known, &format!("{place}/{index}"))).collect()
        }
        _ if given == known => Vec::new(),
        _ => vec![format!("{place} is {given}, and read as {known}")],
    }
}

#[test]
fn the_manifest_is_as_the_schema_of_kubernetes_wants_it() {
    assert_eq!(faults(&manifest()), Vec::<String>::new());
    // What the check is good for: each of these is found.
    let pod = "/spec/template/spec";
    for (place, name, value, fault) in [
        (pod.to_owned(), "hostNetwrok", json!(true), "/spec/template/spec/hostNetwrok is not known"),
        (format!("{pod}/containers/0"), "runAsUser", json!(0), "/spec/template/spec/containers/0/runAsUser is not known"),
        (format!("{pod}/containers/0/volumeMounts/0"), "mountPath", json!(7), "invalid type"),
        (format!("{pod}/containers/0/securityContext"), "runAsUser", json!("root"), "invalid type"),
        (pod.to_owned(), "terminationGracePeriodSeconds", json!("300"), "invalid type"),
        ("/spec".to_owned(), "replicas", json!(1), "/spec/replicas is not known"),
        (String::new(), "apiVersion", json!("v1"), "apps/v1"),
        (String::new(), "kind", json!("Deployment"), "DaemonSet"),
    ] {
        let mut wrong = manifest();
        wrong.pointer_mut(&place).expect("it is there")[name] = value;
        let faults = faults(&wrong);
        assert!(faults.len() == 1 && faults[0].contains(fault), "{place}/{name}: {faults:?}");
    }
    let mut without = manifest();
    without["spec"].as_object_mut().expect("it is there").remove("selector");
    assert_eq!(faults(&without), ["/spec/selector is missing"]);
}

#[test]
fn the_manifest_for_kubernetes_is_one() {
    let manifest = manifest();
    let (spec, pod) = (&manifest["spec"], &manifest["spec"]["template"]["spec"]);
    assert_eq!(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"], "it selects its own pods");
    let container = &pod["containers"][0];
    is_understood(container["args"][0].as_str().expect("a shell line"));
    let names = |list: &Value, field: &str| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|item| item[field].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&container["volumeMounts"], "name"), names(&pod["volumes"], "name"));
    assert!(pod["hostNetwork"] == true && pod["automountServiceAccountToken"] == false, "{pod}");
    let security = &container["securityContext"];
    assert_eq!((&security["capabilities"]["drop"][0], &security["allowPrivilegeEscalation"]), (&"ALL".into(), &false.into()));
    assert_eq!(security["capabilities"]["add"], serde_json::json!(["NET_RAW", "CHOWN", "SETUID", "SETGID"]));
    for limit in ["cpu", "memory"] {
        assert!(container["resources"]["limits"][limit].is_string(), "{limit}");
    }
}
