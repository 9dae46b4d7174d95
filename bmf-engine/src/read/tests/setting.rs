//! `--set`.

use bmf_core::SourceText;

use super::super::{parse_json, set_option};

fn check(assignments: &[&str]) -> String {
    let text = r#"{"nodes": [
        {"id": 4, "alias": "a.b", "module_info": {"name": "m"}, "option": {"x": 1, "g": {"y": 2}}},
        {"id": 5, "name": "out", "alias": "o", "module_info": {"name": "m"}}
    ]}"#;
    let (mut graph, _) = parse_json(SourceText::new("g.json", text)).unwrap();
    let mut lines = Vec::new();
    for assignment in assignments {
        if let Err(problem) = set_option(&mut graph, assignment) {
            lines.push(problem.to_string());
        }
    }
    for node in &graph.nodes {
        let places: Vec<_> = node.spans.option.keys().cloned().collect();
        let option = serde_json::to_string(&node.option).unwrap();
        lines.push(format!("{} {option} {}", node.name, places.join(" ")));
    }
    lines.join("\n")
}

#[test]
fn nodes_go_by_name_alias_or_id() {
    insta::assert_snapshot!(check(&["a.b.x=2", "o.para=1280:720", "5.v.crf=23", "out.flag=true", "4.list=[1,2]"]), @r#"
    a.b {"x":2,"g":{"y":2},"list":[1,2]} g g.y
    out {"para":"1280:720","v":{"crf":23},"flag":true}
    "#);
    insta::assert_snapshot!(check(&["a.b.g={\"z\": null}", "out.empty=", "out.eq=a=b"]), @r#"
    a.b {"x":1,"g":{"z":null}} x
    out {"empty":"","eq":"a=b"}
    "#);
}

#[test]
fn what_cannot_be_set() {
    insta::assert_snapshot!(check(&["ot.x=1", "zzz.x=1", "x", "x=1", "out.=1", "out.a..b=1", "a.b.x.q.r=1", "=", ""]), @r#"
    --set:1:1: error: there is no node called "ot"
      help: did you mean "out"?
    --set:1:1: error: there is no node called "zzz"
      help: the nodes are a.b, out
    --set:1:1: error: expected NODE.OPTION=VALUE
    --set:1:1: error: expected NODE.OPTION=VALUE
    --set:1:5: error: "" is not the path of an option
    --set:1:5: error: "a..b" is not the path of an option
    --set:1:5: error: "x" is not a group of options
    --set:1:1: error: expected NODE.OPTION=VALUE
    --set:1:1: error: expected NODE.OPTION=VALUE
    a.b {"x":1,"g":{"y":2}} g g.y x
    out {}
    "#);
}
