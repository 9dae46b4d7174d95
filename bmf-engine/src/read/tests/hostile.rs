//! Text that nobody wrote in good faith: the answer is always a diagnostic.

use proptest::prelude::*;

use super::super::{parse_line, set_option};
use super::graphs::{PUSH_DATA, TRANSCODE};
use super::line::registry;
use super::{check_json, check_toml};

#[test]
fn not_a_graph_at_all() {
    insta::assert_snapshot!(check_json(""), @"g.json:1:1: error: the graph is empty");
    insta::assert_snapshot!(check_json(" \n\t"), @"g.json:1:1: error: the graph is empty");
    insta::assert_snapshot!(check_json("// nothing"), @"g.json:1:1: error: the graph is empty");
    insta::assert_snapshot!(check_json("hello world"), @"g.json:1:1: error: not valid JSON: unexpected word");
    insta::assert_snapshot!(check_json("\0\0\0"), @"g.json:1:1: error: not valid JSON: unexpected token");
    insta::assert_snapshot!(check_json(&TRANSCODE[..500]), @"g.json:25:21: error: not valid JSON: expected value after colon in object property");
    insta::assert_snapshot!(check_toml("\0"), @r"
    g.toml:1:1: error: not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
    g.toml:1:2: error: not valid TOML: key with no value, expected `=`
    ");
    insta::assert_snapshot!(check_toml("# nothing"), @r#"g.toml:1:1: error: the graph has no "nodes""#);
}

#[test]
fn nul_inside_of_strings_is_kept() {
    insta::assert_snapshot!(check_json("{\"nodes\": [{\"id\": 0, \"module_info\": {\"name\": \"a\\u0000b\"}}]}").escape_debug(), @r"node 0 \'a\0b_0\' (a\0b)\n");
}

#[test]
fn huge_numbers() {
    insta::assert_snapshot!(check_json(r#"{"nodes": [{"id": 1e400, "module_info": {"name": "m"}}]}"#), @"g.json:1:19: error: the number 1e400 cannot be represented");
    insta::assert_snapshot!(check_json(r#"{"nodes": [{"id": 99999999999999999999999, "module_info": {"name": "m"}}]}"#), @r#"g.json:1:19: error: "id" of nodes[0]: expected a whole number of at most 4294967295, found 1e+23"#);
    let digits = "9".repeat(100_000);
    assert!(
        check_json(&format!(r#"{{"nodes": [{{"id": {digits}}}]}}"#))
            .contains("cannot be represented")
    );
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |depth: usize, open: &str, close: &str| {
        format!("{}{}", open.repeat(depth), close.repeat(depth))
    };
    let option = |value: &str| {
        check_json(&format!(
            r#"{{"nodes": [{{"id": 0, "module_info": {{"name": "m"}}, "option": {{"x": {value}}}}}]}}"#
        ))
    };
    assert!(option(&nested(124, "[", "]")).starts_with("node 0"));
    insta::assert_snapshot!(option(&nested(125, "[", "]")), @"g.json:1:192: error: this is nested deeper than 128 levels");
    for depth in [300, 600, 100_000] {
        assert!(check_json(&"[".repeat(depth)).contains("error"));
        assert!(check_json(&nested(depth, "[", "]")).contains("nested deeper"));
        assert!(check_json(&nested(depth, "{\"a\":", "}")).contains("error"));
        assert!(check_toml(&format!("a = {}", nested(depth, "[", "]"))).contains("nested deeper"));
        assert!(check_toml(&format!("a{} = 1", ".a".repeat(depth))).contains("nested deeper"));
        assert!(check_toml(&format!("[a{}]", ".a".repeat(depth))).contains("nested deeper"));
        assert!(check_toml(&format!("a = {}", "{a.b =".repeat(depth))).contains("nested deeper"));
    }
}

#[test]
fn dots_outside_of_keys_do_not_count_as_nesting() {
    let dots = ".".repeat(1000);
    let text = format!(
        "# {dots}\n[nodes.a]\nmodule = \"m\" # {dots}\noptions = {{ a = \"{dots}\", b = '{dots}', c = '''{dots}\n{dots}''', d = \"\"\"\\\"{dots}\"\"\" }}\n"
    );
    assert!(check_toml(&text).starts_with("node 0 'a'"));
}

fn mutated(sample: &'static str) -> impl Strategy<Value = String> {
    let edit = (0..sample.len(), 0..sample.len(), any::<u8>(), 0..4_u8);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut bytes = sample.as_bytes().to_vec();
        for (at, from, byte, kind) in edits {
            let at = at % bytes.len().max(1);
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, sample.as_bytes()[from]),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

const TOML: &str = r#"mode = "Normal"
[option]
time_out = 1.5
memory_budget = "64 MiB"
executors = { io = 2, gpu = { workers = 1 } }
[nodes.a]
module = "m"
parallel = { instances = 4, distribution = "least_loaded" }
input_manager = { name = "mux", x = 1 }
[[nodes.b]]
inputs = ["a.x", 'a', { stream = "a.y", on_full = "latest", back_edge = true }]
options = { x.y = 1, z = [1, 2] }
"#;
const LINE: &str =
    "decode 'in 1.mp4' ! scale 1280:720 ! encode out.mp4 crf=23 video_params.preset=\"x\\\"y\"";

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[\\[\\]{}\",:.=!'\\\\ \n#a0e-]{0,60}") {
        check_json(&text);
        check_toml(&text);
        let _ = parse_line(&text, &registry());
        let (mut graph, _) = parse_line("testsrc ! encode b", &registry()).unwrap();
        let _ = set_option(&mut graph, &text);
        let _ = set_option(&mut graph, &format!("encode.{text}"));
        for key in ["encode.parallel", "encode.input_manager", "option.memory_budget", "option.executors"] {
            let _ = set_option(&mut graph, &format!("{key}={text}"));
        }
    }

    #[test]
    fn no_damaged_json_panics(text in mutated(PUSH_DATA)) {
        check_json(&text);
    }

    #[test]
    fn no_damaged_toml_panics(text in mutated(TOML)) {
        check_toml(&text);
    }

    #[test]
    fn no_damaged_line_panics(text in mutated(LINE)) {
        let _ = parse_line(&text, &registry());
    }
}
