"""What the pages beside the tree say of a checkpoint: ready texts and numbers, worked out once and in the background."""

from __future__ import annotations

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import frozen
from ptinspect.session.code_page import CodePage, code_page
from ptinspect.session.overview import Overview, overview_of
from ptinspect.session.safety_page import SafetyPage, safety_page
from ptinspect.session.training_page import TrainingPage, training_page


@frozen
class Pages:
    """One value a page."""

    overview: Overview
    safety: SafetyPage
    training: TrainingPage
    code: CodePage


def pages_of(checkpoint: Checkpoint, tree: LayerNode) -> Pages:
    """All of them. The code is read from the file, so a file that changed meanwhile raises ChangedOnDisk."""
    return Pages(overview_of(checkpoint, tree), safety_page(checkpoint), training_page(checkpoint), code_page(checkpoint))
