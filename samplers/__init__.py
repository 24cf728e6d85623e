"""Masked diffusion samplers and their exact output laws; knows no theorem."""
