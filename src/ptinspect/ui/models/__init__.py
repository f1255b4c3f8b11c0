"""Thin item models over ready-made rows."""
