//! Damages files, the same way each time: what is damaged and where follows from a seed. It decides nothing about what
//! should come of it.

/// Numbers that look random: the same ones for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero would give zeros for ever; near seeds are taken apart.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 up to `limit`, without it; 0 for 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let high = u128::from(self.next()) * (limit as u128);
        usize::try_from(high >> 64).unwrap_or(0)
    }

    /// One of several.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Damage {
    /// Only so many hundredths of it are left.
    Cut(usize),
    /// One bit in each so many bytes is another, but for the first hundredths.
    Flip { each: usize, but: usize },
    /// So many bytes in the middle are noise.
    Noise(usize),
    /// So many bytes in the middle are gone.
    Hole(usize),
    /// Two stretches of this many bytes have changed places.
    Swap(usize),
}

impl Damage {
    /// The damaged file.
    pub(crate) fn apply(self, bytes: &[u8], random: &mut Random) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let length = bytes.len();
        let middle = |size: usize| {
            let begin = length / 2;
            begin..length.min(begin + size)
        };
        match self {
            Self::Cut(percent) => bytes.truncate(length * percent / 100),
            Self::Flip { each, but } => {
                let spared = length * but / 100;
                for _ in 0..(length - spared) / each.max(1) {
                    let at = spared + random.below(length - spared);
                    bytes[at] ^= 1 << random.below(8);
                }
            }
            Self::Noise(size) => {
                for byte in &mut bytes[middle(size)] {
                    *byte = random.below(256) as u8;
                }
            }
            Self::Hole(size) => drop(bytes.drain(middle(size))),
            Self::Swap(size) => {
                let size = size.min(length / 3);
                let (first, second) = (random.below(length / 3), length / 2);
                for offset in 0..size.min(length - second) {
                    bytes.swap(first + offset, second + offset);
                }
            }
        }
        bytes
    }

    /// Any of them, of any size.
    pub(crate) fn any(random: &mut Random) -> Self {
        let size = 1 << random.below(14);
        match random.below(6) {
            0 => Self::Cut(1 + random.below(99)),
            1 | 2 => Self::Flip {
                each: 1 << (4 + random.below(12)),
                but: random.below(40),
            },
            3 => Self::Noise(size),
            4 => Self::Hole(size),
            _ => Self::Swap(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_does_the_same() {
        let whole: Vec<u8> = (0..=255).collect();
        for seed in 0..200 {
            let damage = Damage::any(&mut Random::new(seed));
            let apply = || damage.apply(&whole, &mut Random::new(seed));
            assert_eq!(apply(), apply(), "{damage:?}");
            assert!(damage.apply(&[], &mut Random::new(seed)).is_empty());
        }
    }

    #[test]
    fn each_damage_does_what_it_says() {
        let whole = [7_u8; 100];
        let apply = |damage: Damage| damage.apply(&whole, &mut Random::new(1));
        let changed = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte != 7).count();
        assert_eq!(apply(Damage::Cut(30)).len(), 30);
        assert_eq!(apply(Damage::Hole(30)).len(), 70);
        assert!((1..=10).contains(&changed(&apply(Damage::Noise(10)))));
        let flipped = apply(Damage::Flip { each: 10, but: 50 });
        assert!((1..=5).contains(&changed(&flipped)) && changed(&flipped[..50]) == 0);
    }

    #[test]
    fn numbers_spread() {
        let mut random = Random::new(0);
        let mut seen = [0; 10];
        (0..1000).for_each(|_| seen[random.below(10)] += 1);
        assert!(seen.iter().all(|&count| count > 60), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}
