"""Property-based verification of total-variation guarantees for masked diffusion samplers."""
