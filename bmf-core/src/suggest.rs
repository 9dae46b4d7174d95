//! "Did you mean": the nearest of the known names.

/// The known name nearest to `typed`, if one is near enough to be a slip of the hand.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&folded, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= 1 + typed.len().min(name.len()) / 4)
        // Of one letter nothing is left when it is another one.
        .filter(|(distance, name)| *distance < typed.chars().count().max(name.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_slips_are_found_and_far_words_are_not() {
        let known = ["callback_binding", "queue_length_limit", "crf"];
        assert_eq!(
            nearest("callback_bindings", known),
            Some("callback_binding")
        );
        assert_eq!(nearest("CRF", known), Some("crf"));
        assert_eq!(nearest("queue_limit", known), None);
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest("x", ["a", "b"]), None);
        assert_eq!(nearest("x", ["xy", "b"]), Some("xy"));
    }
}
