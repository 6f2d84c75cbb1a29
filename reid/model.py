"""The re-identification network: backbone, pooling, embedding, BNNeck; and the graph that is exported from it."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reid.backbones import build_backbone
from reid.heads.bnneck import BNNeck
from reid.heads.multi_level import MultiLevelFusion
from reid.heads.pooling import build_pooling, pooled_width
from reid.metadata import Architecture
from reid.preprocess import Preprocessing

#: D and number of classes to a module from (B, D) to (B, classes).
Classifier = Callable[[int, int], nn.Module]


def plain_classifier(dim: int, classes: int) -> nn.Module:
    """Logits by one linear layer without a bias."""
    return nn.Linear(dim, classes, bias=False)


class ReidNet(nn.Module):  # type: ignore[misc]
    """Pixels to features. The metric loss sees features before the BNNeck, classification those after it.

    Features are un-normalised throughout training; only `EmbeddingGraph` normalises, for retrieval.

    Source:
        Luo et al. 2019, "Bag of Tricks and a Strong Baseline for Deep Person Re-identification" (BNNeck).
    """

    def __init__(self, architecture: Architecture, classes: int = 0, classifier: Classifier = plain_classifier) -> None:
        """Builds the network with random weights.

        Args:
            architecture: What to build.
            classes: Training vehicles; 0 leaves the classifier out.
            classifier: Makes it of D and ``classes``.

        Raises:
            ModelError: There is no such backbone, pooling, or level.
        """
        super().__init__()
        self.architecture = architecture
        self.backbone = build_backbone(architecture.backbone, architecture.last_stride)
        self.pool = build_pooling(architecture.pooling, self.backbone.channels)
        width = pooled_width(self.pool, self.backbone.channels)
        if architecture.levels:
            earlier = self.backbone.level_channels(architecture.levels)
            self.pool, width = MultiLevelFusion(self.pool, earlier), width + sum(earlier)
        self.embed = nn.Linear(width, architecture.dim, bias=False)
        self.neck = BNNeck(architecture.dim)
        self.classifier = classifier(architecture.dim, classes) if classes else None
        self.criterion: nn.Module | None = None
        nn.init.normal_(self.embed.weight, std=0.01)  # Distances start near 4: the soft margin's working range.
        if self.classifier is not None:
            nn.init.normal_(self.classifier.weight, std=0.001)

    def carry(self, metric: object) -> None:
        """Trains the weights of a metric loss, if it has any, along with the network's; no checkpoint holds them."""
        self.criterion = metric if isinstance(metric, nn.Module) else None

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both kinds of features.

        Args:
            x: (B, 3, H, W), RGB, normalised.

        Returns:
            (B, D) before and (B, D) after the BNNeck.
        """
        levels = self.architecture.levels
        pooled = self.pool(self.backbone.maps(x, levels) if levels else self.backbone(x))  # (B, W)
        before = self.embed(pooled)  # (B, D)
        return before, self.neck(before)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Training: (B, D) features for the metric loss, (B, classes) logits."""
        if self.classifier is None:
            raise ValueError("the network was built without a classifier")
        before, after = self.features(x)
        return before, self.classifier(after)


class PixelInput(nn.Module):  # type: ignore[misc]
    """uint8 pictures as cameras give them to what the network reads."""

    mean: Tensor
    std: Tensor

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        for name, rgb in (("mean", preprocessing.mean_rgb), ("std", preprocessing.std_rgb)):
            bgr = 255 * torch.tensor(rgb[::-1]).view(1, 3, 1, 1)
            self.register_buffer(name, bgr, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) BGR to float32 (B, 3, H, W) RGB, normalised."""
        bgr = pictures.float().permute(0, 3, 1, 2)  # (B, 3, H, W)
        return ((bgr - self.mean) / self.std)[:, [2, 1, 0]]


class EmbeddingGraph(nn.Module):  # type: ignore[misc]
    """What is exported: uint8 BGR pictures of network size to unit vectors, nothing left for the caller to do."""

    def __init__(self, net: ReidNet, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.pixels = PixelInput(preprocessing)
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) to float32 (B, D), rows of L2 norm 1."""
        _, after = self.net.features(self.pixels(pictures))
        return F.normalize(after, dim=1)


class PooledImagenetGraph(nn.Module):  # type: ignore[misc]
    """The untrained baseline: ImageNet features, averaged over the picture, on a seeded orthonormal projection."""

    projection: Tensor

    def __init__(self, backbone: nn.Module, projection: Tensor, preprocessing: Preprocessing) -> None:
        """Puts the parts together; ``projection`` is (channels, D)."""
        super().__init__()
        self.pixels = PixelInput(preprocessing)
        self.backbone = backbone
        self.register_buffer("projection", projection)

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) to float32 (B, D), rows of L2 norm 1."""
        pooled = self.backbone(self.pixels(pictures)).mean(dim=(2, 3))  # (B, channels)
        return F.normalize(pooled @ self.projection, dim=1)
