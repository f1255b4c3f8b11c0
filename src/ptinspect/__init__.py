"""ptinspect opens PyTorch checkpoints as data."""

__version__ = "0.1.0"
