"""Turn something in a running model: steer, swap, drop, insert, ablate, patch – `with` blocks that always let go."""
