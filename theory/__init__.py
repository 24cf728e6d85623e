"""The claims about masked diffusion samplers, as objects; sympy only, no measurement."""
