"""Encoders, fusion, losses and methods: everything that is an ``nn.Module`` with weights or a solution."""
