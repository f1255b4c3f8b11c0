"""Convolutions and transposed ones, told apart by sizes.

A weight of Conv2d is (out, in / groups, h, w), that of ConvTranspose2d (in, out / groups, h, w). Bias and the norm right after it have
the size of the output, so they often decide; a grouped transposed convolution that keeps its width (depthwise upsampling) has the sizes of
a convolution, so the remaining doubt is settled by the rest of the network or by a name, or not at all. Three dimensions are
the weight of a Bilinear too. Kernels of even size are left open where the sizes are: upsampling uses them, convolution seldom does
(torchvision's `conv5_mask` is a transposed one).
"""

from __future__ import annotations

from typing import Literal

from ptinspect.checkpoint.layer_words import is_number, norms_after, says_convolution, says_transposed, squeezed
from ptinspect.checkpoint.named_layers import Guess, Layer, Network

Verdict = Literal["sure", "transposed", "likely", "open", "none"]
_IMAGE = 3
_STEM = 16


class Convolutions:
    """All weights of three to five dimensions of a network, judged together."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.verdicts: dict[str, Verdict] = {}
        self.kernels: set[tuple[int, ...]] = set()
        self.transposed: set[tuple[int, ...]] = set()
        self.ranks: set[int] = set()
        self.first = network.deep[0].path if network.deep else None
        layers = [layer for layer in network.deep if layer.plain and len(layer.weight) <= 5]
        for layer in layers:
            self._judge(layer, self._by_sizes(layer))
        for layer in layers:
            if self.verdicts[layer.path] == "likely" and self._is_supported(layer):
                self._judge(layer, "sure")
        for layer in layers:
            if self.verdicts[layer.path] == "open" and self._is_named(layer):
                self._judge(layer, "sure")

    def guess(self, layer: Layer) -> Guess | None:
        """The type of one of them, None where it stays open."""
        verdict = self.verdicts.get(layer.path)
        if verdict == "open":
            verdict = self._by_company(layer)
        if verdict not in ("sure", "transposed"):
            return None
        kind = "Conv" if verdict == "sure" else "ConvTranspose"
        return Guess(f"{kind}{len(layer.weight) - 2}d", f"{self._because(layer)}{layer.note}")

    def _judge(self, layer: Layer, verdict: Verdict) -> None:
        self.verdicts[layer.path] = verdict
        if verdict == "sure":
            self.ranks.add(len(layer.weight))
            self.kernels.add(layer.weight[2:])
        elif verdict == "transposed":
            self.transposed.add(layer.weight[2:])

    def _by_sizes(self, layer: Layer) -> Verdict:
        first, second = layer.weight[:2]
        if min(layer.weight) < 1 or (layer.bias is not None and len(layer.bias) != 1) or "bilinear" in squeezed(layer.leaf):
            return "none"
        out = layer.bias[0] if layer.bias is not None else self._norm_size(layer)
        if out is None:
            return self._of_an_image(layer)
        groups = out // second
        fits, fits_transposed = out == first, out % second == 0 and groups > 0 and first % groups == 0
        if not fits:
            return "transposed" if fits_transposed else "none"
        if first == second:
            return "open"
        if len(layer.weight) == 3 and not self._is_no_bilinear(layer):
            return "likely"
        return "likely" if fits_transposed and self._incoming(layer) != second else "sure"

    def _of_an_image(self, layer: Layer) -> Verdict:
        """The first weight of a network, three channels in: nothing that ends in an image stands there."""
        first, second = layer.weight[:2]
        starts = layer.path == self.first and layer.after is not None and second == _IMAGE and first >= _STEM
        return "sure" if starts and len(layer.weight) == 4 and not says_transposed(layer.path) else "open"

    def _norm_size(self, layer: Layer) -> int | None:
        """The channels of the norm right after it; one that only stands next in the file may confirm, never contradict."""
        for leaf in norms_after(layer.leaf):
            found = self.network.beside(layer, leaf)
            if found is not None and found.running is not None:
                paired = is_number(leaf) or found.running == layer.weight[0] or says_transposed(layer.path)
                return found.running if paired else None
        near = layer.after
        if near is not None and near.running == layer.weight[0] and not says_transposed(layer.path):
            return near.running
        return None

    def _is_no_bilinear(self, layer: Layer) -> bool:
        return says_convolution(layer.path) or layer.bias is None or self._incoming(layer) == layer.weight[1]

    def _incoming(self, layer: Layer) -> int | None:
        """The channels that the layer before it in a Sequential gives, where that is told by a bias or a norm."""
        if not is_number(layer.leaf):
            return None
        for step in range(1, 4):
            found = self.network.beside(layer, str(int(layer.leaf) - step)) if int(layer.leaf) >= step else None
            if found is not None and found.own:
                size = found.running or (found.bias[0] if found.bias is not None and len(found.bias) == 1 else None)
                return size if layer.weight[0] != layer.weight[1] else None
        return None

    def _is_supported(self, layer: Layer) -> bool:
        """Whether a name or another convolution speaks for the likely reading."""
        if says_transposed(layer.path) and layer.weight[1] == 1:
            return False
        return says_convolution(layer.path) or len(layer.weight) in self.ranks or self._is_stem(layer)

    def _is_stem(self, layer: Layer) -> bool:
        """Groups of three channels each are nobody's; an image has three."""
        return len(layer.weight) == 4 and layer.weight[1] == _IMAGE and layer.weight[0] >= 8 * _IMAGE

    def _by_company(self, layer: Layer) -> Verdict:
        """Sizes that leave both open: the same kernel elsewhere, in one of the two roles alone."""
        kernel = layer.weight[2:]
        if kernel in self.transposed:
            return "transposed" if says_transposed(layer.path) and kernel not in self.kernels else "none"
        if set(kernel) == {1}:
            return "sure" if len(layer.weight) in self.ranks else "none"
        if says_transposed(layer.path) or any(size % 2 == 0 for size in kernel):
            return "none"
        return "sure" if kernel in self.kernels else "none"

    def _is_named(self, layer: Layer) -> bool:
        """Open by its sizes, but called a convolution, among other convolutions and no transposed one."""
        odd = all(size % 2 for size in layer.weight[2:])
        return odd and len(layer.weight) in self.ranks and not self.transposed and says_convolution(layer.path)

    def _because(self, layer: Layer) -> str:
        text = f"weight {layer.weight}"
        if layer.bias is not None:
            return f"{text} and bias {layer.bias}"
        size = self._norm_size(layer)
        return text + (f", {size} channels in the norm after it" if size is not None else ", no bias")
