"""What a model takes, as far as a file's content has to be fitted to it. Found out when asked for, and once."""

from __future__ import annotations

from functools import cached_property

from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.entries import Entry, entries, vocabularies
from ptinspect.runner.inputs.guess import Guess, guess
from ptinspect.runner.inputs.known import Known, known
from ptinspect.runner.inputs.signature import Asked, asked, unwrapped
from ptinspect.runner.inputs.spec import Spec, parse, shape_of, tokens_of


class Taking:
    """One model, asked about its inputs."""

    def __init__(self, module: nn.Module, architecture: str | None = None) -> None:
        self.module = module
        self.architecture = architecture

    @cached_property
    def library(self) -> Known | None:
        """What torchvision or timm say."""
        return known(unwrapped(self.module), self.architecture)

    @cached_property
    def guess(self) -> Guess | None:
        """Its likeliest input, None where nothing fits."""
        try:
            return guess(self.module, self.architecture)
        except InputDoesNotFit:
            return None

    @cached_property
    def entry(self) -> Entry | None:
        """The first layer that takes data."""
        return next(entries(self.module), None)

    @cached_property
    def vocabularies(self) -> tuple[int, ...]:
        """The sizes of its embeddings."""
        return vocabularies(self.module)

    @cached_property
    def arguments(self) -> tuple[Asked, ...]:
        """What its forward asks for."""
        return asked(self.module)

    def shape(self, spec: Spec, place: int) -> tuple[int, ...] | None:
        """The sizes of one sample of that input as they were guessed: by its keyword, else by its place."""
        specs = [parse(text) for text in self.guess.specs] if self.guess else []
        found = next((one for one in specs if one.name and one.name == spec.name), None)
        if found is None:
            names = [argument.name for argument in self.arguments]
            place = names.index(spec.name) if spec.name in names else place
            found = specs[place] if place < len(specs) else None
        if found is None:
            return None
        if found.kind == "none":
            return None
        return tokens_of(found)[0] if found.kind == "tokens" else shape_of(found)[0]


__all__ = ["Taking"]
