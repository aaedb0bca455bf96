"""Where documents come from: a generated world in four languages, and word problems."""
