"""A causal language model: train a small one, open a folder; sites, hooks, splice, adapters, generation."""
