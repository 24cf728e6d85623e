"""Samplers of other projects as `verification.conformance.protocol.SamplerUnderTest`.

None of these projects is a dependency: each module imports its own when it is imported itself.
`sharprates check tests.peers.adapters.flow_matching:sampler` checks one.
"""
