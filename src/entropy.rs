//! The only reader of randomness. Everything else is handed an [`Entropy`].

/// Where unpredictable bytes come from. Cheap to copy.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub enum Entropy {
    /// The operating system's generator.
    #[default]
    System,
    /// A function that fills what it is given: a simulation's, so that a seed tells the same story twice. Never for keys.
    Told(fn(&mut [u8])),
}

impl Entropy {
    /// `N` random bytes, fit for keys.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: there is no safe way on.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader")]
    #[expect(clippy::expect_used, reason = "a scheduler without randomness would make guessable secrets")]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => getrandom::fill(&mut bytes).expect("the operating system gives randomness"),
            Self::Told(fill) => fill(&mut bytes),
        }
        bytes
    }

    /// `N` random bytes as `2 * N` lower-case hex digits.
    #[must_use]
    pub fn hex<const N: usize>(self) -> String {
        self.bytes::<N>().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
