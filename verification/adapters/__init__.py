"""Samplers of other projects as `verification.sampler_protocol.SamplerUnderTest`.

None of these projects is a dependency: each module imports its own when it is imported itself.
`sharprates check verification.adapters.flow_matching:sampler` checks one.
"""
