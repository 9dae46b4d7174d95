//! Which streams flow at a place of the line, and which of them a node takes. What the node does
//! with them is not known here.

use bmf_core::config::{NodeConfig, StreamConfig};
use bmf_core::{ModuleDescriptor, PortKind, PortSpec, Ports, Shorthand};

/// The streams between two nodes of the line, oldest first.
#[derive(Default)]
pub(super) struct Flow {
    streams: Vec<Flowing>,
    is_lost: bool,
}

struct Flowing {
    kind: PortKind,
    name: String,
}

impl Flow {
    /// After a node that nobody knows: from here on no missing stream is an error.
    pub(super) fn lose_track(&mut self) {
        self.is_lost = true;
    }

    /// Connects `node`: it takes its inputs out of the flow and its outputs join it.
    ///
    /// # Errors
    /// A message when what the node needs does not flow here.
    pub(super) fn pass(
        &mut self,
        node: &mut NodeConfig,
        module: &ModuleDescriptor,
        shorthand: &Shorthand,
    ) -> Result<(), String> {
        let takes = shorthand.takes;
        let is_told = !shorthand.inputs.is_empty();
        if !is_told && self.is_source(node, module) {
            self.open_all(node, &module.outputs, takes);
            return Ok(());
        }
        let taken = match &module.inputs {
            _ if is_told => self.take_each(node, &shorthand.inputs),
            Ports::Fixed(_) => self.take_by_port(node, module, takes),
            Ports::Any { .. } => self.take_alike(node, module, takes),
        };
        match taken {
            Ok(_) if is_told => {
                for (index, &kind) in shorthand.outputs.iter().enumerate() {
                    self.open_port(node, &module.outputs, index, kind);
                }
                Ok(())
            }
            Ok(_) if shorthand.is_end => Ok(()),
            Ok(kinds) => {
                self.open(node, module, takes, &kinds);
                Ok(())
            }
            Err(_) if self.is_lost => Ok(()),
            Err(message) => Err(message),
        }
    }

    /// A module without inputs, or whose option takes the place of its input; also one that can do
    /// without and is good for something then, where nothing flows.
    fn is_source(&self, node: &NodeConfig, module: &ModuleDescriptor) -> bool {
        let (min, _) = module.inputs.limits();
        let is_needed = |port: &&PortSpec| {
            let option = port.instead_of.as_deref();
            option.is_none_or(|option| node.option.get(option).is_none())
        };
        let has_inputs = module.inputs.get(0).filter(is_needed).is_some();
        let can_start = min == 0 && !module.is_sink && module.outputs.get(0).is_some();
        !has_inputs || (can_start && self.streams.is_empty() && !self.is_lost)
    }

    /// One stream per input, the newest ones, in their order.
    fn take_each(
        &mut self,
        node: &mut NodeConfig,
        inputs: &[PortKind],
    ) -> Result<Vec<PortKind>, String> {
        let mut taken = Vec::new();
        for &wanted in inputs.iter().rev() {
            let Some(stream) = self.take_newest(wanted) else {
                let kinds: Vec<&str> = inputs.iter().map(|&kind| word(kind)).collect();
                return Err(match kinds.len() {
                    1 => self.missing(node, wanted),
                    count => Self::too_few(node, count, &kinds.join(", ")),
                });
            };
            taken.insert(0, StreamConfig::new(stream.name));
        }
        node.inputs = taken;
        Ok(inputs.to_vec())
    }

    /// One stream per port, by kind. The newest streams go first, so that after a second source
    /// its streams are meant; several ports of one kind keep the order of the streams.
    fn take_by_port(
        &mut self,
        node: &mut NodeConfig,
        module: &ModuleDescriptor,
        takes: PortKind,
    ) -> Result<Vec<PortKind>, String> {
        let Ports::Fixed(ports) = &module.inputs else {
            return Ok(Vec::new());
        };
        let mut inputs = vec![StreamConfig::default(); ports.len()];
        let mut kinds = Vec::new();
        for (index, port) in ports.iter().enumerate().rev() {
            if !fits(port.kind, takes) || port.kind == PortKind::Subtitle {
                continue;
            }
            let wanted = narrower(port.kind, takes);
            match self.take_newest(wanted) {
                Some(stream) => {
                    kinds.insert(0, stream.kind);
                    inputs[index].name = stream.name;
                }
                None if port.optional => {}
                None => {
                    let needed: Vec<&str> = ports
                        .iter()
                        .filter(|port| !port.optional && fits(port.kind, takes))
                        .map(|port| port.name.as_str())
                        .collect();
                    return Err(match needed.len() {
                        0 | 1 => self.missing(node, wanted),
                        count => Self::too_few(node, count, &needed.join(", ")),
                    });
                }
            }
        }
        if kinds.is_empty() {
            return Err(self.missing(node, takes));
        }
        while inputs.last().is_some_and(|input| input.name.is_empty()) {
            inputs.pop();
        }
        node.inputs = inputs;
        Ok(kinds)
    }

    /// Alike ports: all that flows, or as many of one kind as the module needs.
    fn take_alike(
        &mut self,
        node: &mut NodeConfig,
        module: &ModuleDescriptor,
        takes: PortKind,
    ) -> Result<Vec<PortKind>, String> {
        let (min, max) = module.inputs.limits();
        let each = module.inputs.get(0).map_or(PortKind::Any, |port| port.kind);
        let wanted = narrower(each, takes);
        let count = if takes == PortKind::Any {
            max.unwrap_or(usize::MAX)
        } else {
            min.max(1)
        };
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some(stream) = self.take_newest(wanted)
        {
            taken.insert(0, stream);
        }
        if taken.len() < min.max(1) {
            return Err(self.missing(node, wanted));
        }
        let kinds = taken.iter().map(|stream| stream.kind).collect();
        let inputs = taken.into_iter();
        node.inputs = inputs
            .map(|stream| StreamConfig::new(stream.name))
            .collect();
        Ok(kinds)
    }

    fn take_newest(&mut self, wanted: PortKind) -> Option<Flowing> {
        let mut places = 0..self.streams.len();
        let place = places.rfind(|&place| fits(self.streams[place].kind, wanted))?;
        Some(self.streams.remove(place))
    }

    fn too_few(node: &NodeConfig, count: usize, ports: &str) -> String {
        format!(
            "{} needs {count} streams ({ports}), more than flow here; give it another source before \
             it, or write the graph as a file",
            node.name
        )
    }

    fn missing(&self, node: &NodeConfig, wanted: PortKind) -> String {
        let mut flowing: Vec<&str> = self
            .streams
            .iter()
            .map(|stream| word(stream.kind))
            .collect();
        flowing.dedup();
        let wanted = match wanted {
            PortKind::Any => "a stream",
            PortKind::Video => "a video stream",
            PortKind::Audio => "an audio stream",
            PortKind::Subtitle => "a subtitle stream",
        };
        let flowing = if flowing.is_empty() {
            "nothing flows".to_owned()
        } else {
            format!("only {} flows", flowing.join(" and "))
        };
        format!("{} needs {wanted}, but {flowing} here", node.name)
    }

    /// The outputs of a node that took streams of these `kinds`.
    fn open(
        &mut self,
        node: &mut NodeConfig,
        module: &ModuleDescriptor,
        takes: PortKind,
        kinds: &[PortKind],
    ) {
        let first = kinds.first().copied().unwrap_or(takes);
        match (&module.inputs, &module.outputs) {
            // Every input has its output.
            (Ports::Any { .. }, Ports::Any { .. }) if takes == PortKind::Any => {
                for (index, &kind) in kinds.iter().enumerate() {
                    self.open_port(node, &module.outputs, index, kind);
                }
            }
            (_, outputs @ Ports::Fixed(_)) if takes == PortKind::Any => {
                self.open_all(node, outputs, first);
            }
            (_, outputs @ Ports::Any { min, .. }) if takes == PortKind::Any => {
                for index in 0..*min {
                    self.open_port(node, outputs, index, first);
                }
            }
            (_, outputs) => self.open_port(node, outputs, 0, first),
        }
    }

    /// All ports; of alike ones as few as make sense, but one.
    fn open_all(&mut self, node: &mut NodeConfig, outputs: &Ports, kind: PortKind) {
        let count = match outputs {
            Ports::Fixed(ports) => ports.len(),
            Ports::Any { min, .. } => (*min).max(1),
        };
        for index in 0..count {
            self.open_port(node, outputs, index, kind);
        }
    }

    /// Lets the output at `index` flow, if there is one; `kind` is what travels on a port that
    /// carries anything. Streams are named as TOML names them.
    fn open_port(&mut self, node: &mut NodeConfig, outputs: &Ports, index: usize, kind: PortKind) {
        // Which container takes which subtitles is not for a line to guess: graphs in files say it.
        let flows = |port: &&PortSpec| port.kind != PortKind::Subtitle;
        let Some(port) = outputs.get(index).filter(flows) else {
            return;
        };
        let port_name = outputs.name_of(index);
        let name = if port_name == "0" {
            node.name.clone()
        } else {
            format!("{}.{port_name}", node.name)
        };
        node.outputs
            .push(StreamConfig::on_port(port_name, name.clone()));
        self.streams.push(Flowing {
            kind: narrower(port.kind, kind),
            name,
        });
    }
}

fn fits(a: PortKind, b: PortKind) -> bool {
    a == b || a == PortKind::Any || b == PortKind::Any
}

/// The more exact one of two kinds that fit.
fn narrower(a: PortKind, b: PortKind) -> PortKind {
    if a == PortKind::Any { b } else { a }
}

fn word(kind: PortKind) -> &'static str {
    match kind {
        PortKind::Video => "video",
        PortKind::Audio => "audio",
        PortKind::Subtitle => "subtitle",
        PortKind::Any => "an unknown kind",
    }
}
