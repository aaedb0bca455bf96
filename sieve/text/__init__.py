"""Where documents come from: a generated world in up to eight languages, and word problems."""
