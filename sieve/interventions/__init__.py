"""Turn something in a running model: steer, swap, ablate, patch – `with` blocks that always let go."""
