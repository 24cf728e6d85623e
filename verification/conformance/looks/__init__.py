"""The looks at a sampler, one file a kind."""
