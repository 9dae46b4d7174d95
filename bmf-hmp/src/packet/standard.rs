//! Payloads of types that are not this crate's own.

use std::borrow::Cow;

use super::{Foreign, ImportError, Packet, Payload, View, ViewKind};

impl Payload for serde_json::Value {
    const TAG: &'static str = "bmf.json";

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Text).then(|| View::Text(Cow::Owned(self.to_string())))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        serde_json::from_str(&foreign.text()?)
            .map_err(|error| ImportError::new(format!("its text is not JSON: {error}")))
    }
}

impl Payload for String {
    const TAG: &'static str = "bmf.text";

    fn bytes(&self) -> usize {
        self.capacity()
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Bytes).then_some(View::Bytes(self.as_bytes()))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        let text = std::str::from_utf8(foreign.bytes()?);
        text.map(str::to_owned)
            .map_err(|_| ImportError::new("its text is not UTF-8"))
    }
}

impl Payload for Vec<u8> {
    const TAG: &'static str = "bmf.bytes";

    fn bytes(&self) -> usize {
        self.capacity()
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Bytes).then_some(View::Bytes(self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.bytes().map(<[u8]>::to_vec)
    }
}

impl Payload for i64 {
    const TAG: &'static str = "bmf.int";

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Int).then_some(View::Int(*self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.int()
    }
}

impl Payload for bool {
    const TAG: &'static str = "bmf.bool";

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Int).then_some(View::Int((*self).into()))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        match foreign.int()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(ImportError::new(format!("{other} is no truth value"))),
        }
    }
}

/// Several packets as one: a batch.
impl Payload for Vec<Packet> {
    const TAG: &'static str = "bmf.packets";

    fn bytes(&self) -> usize {
        self.iter().map(Packet::bytes).sum()
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Packets).then_some(View::Packets(self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.packets()
    }
}
