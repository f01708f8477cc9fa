"""The network architectures of both papers, independent of their use."""
