"""Containers as bytes: each reader turns one kind of file into a Document."""
