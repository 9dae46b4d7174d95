//! The options of a module as a table, out of their JSON Schema. Validates nothing: that is done
//! by the types behind the schema.

use serde_json::Value;

use crate::inspect::columns;

/// Groups within groups beyond this are not opened; a schema may contain itself.
const MAX_DEPTH: usize = 4;

/// One line of the table: name (indented), type, default, documentation.
type Row = [String; 4];

/// The table, or a line that says that there is none to make.
pub(crate) fn table(schema: &Value) -> String {
    let mut rows = Vec::new();
    let root = Node {
        root: schema,
        at: schema,
    };
    root.members(0, &mut rows);
    if rows.is_empty() {
        return "  none\n".to_owned();
    }
    let head = ["  option", "type", "default", ""].map(str::to_owned);
    rows.insert(0, head);
    columns(&rows)
}

/// A place in a schema.
#[derive(Clone, Copy)]
struct Node<'a> {
    root: &'a Value,
    at: &'a Value,
}

impl<'a> Node<'a> {
    fn to(self, at: &'a Value) -> Self {
        Self { at, ..self }
    }

    fn list(self, key: &str) -> impl Iterator<Item = Node<'a>> {
        let list = self.at.get(key).and_then(Value::as_array);
        list.into_iter().flatten().map(move |at| self.to(at))
    }

    /// What is really there: references followed, and of "this or null" this.
    fn resolved(self) -> Self {
        let mut node = self;
        // Bounded, since a reference may lead to itself.
        for _ in 0..MAX_DEPTH {
            let reference = node.at.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|path| node.root.pointer(path.trim_start_matches('#')));
            if let Some(target) = target {
                node = node.to(target);
                continue;
            }
            let mut alternatives = node.alternatives();
            match (alternatives.next(), alternatives.next()) {
                (Some(only), None) => node = only,
                _ => return node,
            }
        }
        node
    }

    /// What a value may be instead, without null.
    fn alternatives(self) -> impl Iterator<Item = Node<'a>> {
        ["anyOf", "oneOf", "allOf"]
            .into_iter()
            .flat_map(move |key| self.list(key))
            .filter(|node| node.at.get("type").is_none_or(|kind| kind != "null"))
    }

    /// Rows for the options in a group.
    fn members(self, depth: usize, rows: &mut Vec<Row>) {
        let required: Vec<&str> = self
            .at
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = self.at.get("properties").and_then(Value::as_object);
        for (name, at) in properties.into_iter().flatten() {
            self.to(at)
                .member(name, required.contains(&name.as_str()), depth, rows);
        }
        let further = self.at.get("additionalProperties");
        if let Some(further) = further.filter(|further| **further != Value::Bool(false)) {
            let note = match properties {
                Some(_) => "further keys are taken as well",
                None => "any keys",
            };
            let kind = self.to(further).kind();
            rows.push([indent(depth, "*"), kind, String::new(), note.to_owned()]);
        }
    }

    fn member(self, name: &str, required: bool, depth: usize, rows: &mut Vec<Row>) {
        let node = self.resolved();
        let default = match self.at.get("default").or(node.at.get("default")) {
            Some(Value::Null | Value::Object(_)) | None if required => "required".to_owned(),
            Some(Value::Null | Value::Object(_)) | None => String::new(),
            Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        rows.push([indent(depth, name), self.kind(), default, self.docs()]);
        let items = node.at.get("items").map(|at| node.to(at).resolved());
        let group = items.unwrap_or(node);
        let is_group = group.at.get("properties").is_some()
            || group
                .at
                .get("additionalProperties")
                .is_some_and(|further| *further != Value::Bool(false));
        if is_group && depth + 1 < MAX_DEPTH {
            group.members(depth + 1, rows);
        }
    }

    /// The type, in words.
    fn kind(self) -> String {
        let node = self.resolved();
        let types = match node.at.get("type") {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut words: Vec<String> = types
            .into_iter()
            .filter(|name| *name != "null")
            .map(|name| match (name, node.at.get("items")) {
                ("object", _) => "group".to_owned(),
                ("array", Some(items)) => format!("list of {}", node.to(items).kind()),
                ("array", None) => "list".to_owned(),
                _ => name.to_owned(),
            })
            .collect();
        if words.is_empty() {
            words = node.alternatives().map(Node::kind).collect();
        }
        if words.is_empty() && !node.values().is_empty() {
            words.push("string".to_owned());
        }
        words.dedup();
        match words.is_empty() {
            true => "any".to_owned(),
            false => words.join(" or "),
        }
    }

    /// The documentation nearest to the option, and the values it may have.
    fn docs(self) -> String {
        let node = self.resolved();
        let text = |node: Node<'a>| node.at.get("description").and_then(Value::as_str);
        let mut docs = text(self).or(text(node)).unwrap_or_default().to_owned();
        let values = node.values();
        if !values.is_empty() {
            let separator = if docs.is_empty() { "" } else { " " };
            docs += &format!("{separator}One of: {}.", values.join(", "));
        }
        docs
    }

    /// The values that are possible, where they are a list.
    fn values(self) -> Vec<String> {
        let word = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let listed = self.at.get("enum").and_then(Value::as_array);
        let constant = |node: Node<'a>| {
            node.at
                .get("const")
                .map(word)
                .into_iter()
                .collect::<Vec<_>>()
        };
        let mut values: Vec<String> = listed
            .into_iter()
            .flatten()
            .filter(|value| !value.is_null())
            .map(word)
            .collect();
        values.extend(constant(self));
        values.extend(self.alternatives().flat_map(Node::values));
        values
    }
}

fn indent(depth: usize, name: &str) -> String {
    format!("{:1$}{name}", "", 2 + 2 * depth)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_defaults_and_docs() {
        let schema = json!({
            "properties": {
                "path": { "type": "string", "description": "Where to\nread from." },
                "fps": { "type": ["string", "null"], "default": null },
                "width": { "type": "integer", "default": 1280 },
                "map": { "anyOf": [{ "type": "string" }, { "type": "integer" }, { "type": "null" }] },
                "list": { "type": "array", "items": { "type": "number" }, "default": [] },
                "free": true,
                "quality": { "$ref": "#/$defs/Quality", "default": "best" },
                "sync": { "type": "string", "enum": ["auto", "cfr"], "default": "" },
            },
            "required": ["path"],
            "$defs": { "Quality": { "description": "How good.", "oneOf": [
                { "const": "best" }, { "const": "fast", "description": "quick" },
            ] } },
        });
        insta::assert_snapshot!(table(&schema), @r#"
        option   type               default
        path     string             required  Where to read from.
        fps      string
        width    integer            1280
        map      string or integer
        list     list of number     []
        free     any
        quality  string             best      How good. One of: best, fast.
        sync     string             ""        One of: auto, cfr.
        "#);
    }

    #[test]
    fn groups_are_indented() {
        let schema = json!({
            "properties": {
                "video_params": {
                    "description": "Video.",
                    "anyOf": [{ "$ref": "#/$defs/Video" }, { "type": "null" }],
                },
                "filters": { "type": "array", "items": { "$ref": "#/$defs/Filter" } },
                "mux": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "$defs": {
                "Video": {
                    "type": "object",
                    "properties": { "crf": { "type": "number" } },
                    "additionalProperties": true,
                },
                "Filter": {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string" },
                        "then": { "anyOf": [{ "$ref": "#/$defs/Filter" }, { "type": "null" }] },
                    },
                    "additionalProperties": false,
                },
            },
        });
        insta::assert_snapshot!(table(&schema), @r"
        option        type           default
        video_params  group                   Video.
          crf         number
          *           any                     further keys are taken as well
        filters       list of group
          name        string
          then        group
            name      string
            then      group
              name    string
              then    group
        mux           group
          *           string                  any keys
        ");
    }

    #[test]
    fn strange_schemas_do_no_harm() {
        insta::assert_snapshot!(table(&json!(true)), @"  none");
        let endless = json!({
            "properties": { "a": { "$ref": "#/properties/a" }, "b": { "$ref": "#/nowhere" }, "c": 3 },
        });
        insta::assert_snapshot!(table(&endless), @r"
        option  type  default
        a       any
        b       any
        c       any
        ");
    }
}
