"""The CIFAR ResNet-20 (He et al., CVPR 2016, section 4.2)."""

from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut around them.

    Where the shape changes the shortcut is a 1 x 1 convolution with BatchNorm (option B).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        hidden = functional.relu(self.bn1(self.conv1(images)))
        return functional.relu(self.bn2(self.conv2(hidden)) + self.shortcut(images))


class ResNet20(nn.Module):
    """Three stages of three blocks.

    Parameters
    ----------
    channels : int
        Channels of the images.
    outputs : int
        Classes.
    width : int
        Channels of the first stage; the others have twice and four times as many.
    """

    def __init__(self, channels: int, outputs: int, width: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        stages = []
        before = width
        for stage in range(3):
            after = width << stage
            for block in range(3):
                stride = 2 if stage and not block else 1
                stages.append(Block(before, after, stride))
                before = after
        self.blocks = nn.Sequential(*stages)
        self.head = nn.Linear(before, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Give the logits ``(batch, outputs)`` of ``(batch, channels, height, width)``."""
        hidden = self.blocks(functional.relu(self.bn(self.conv(images))))
        logits: Tensor = self.head(hidden.mean(dim=(2, 3)))
        return logits

    def removable(self) -> tuple[str, ...]:
        """Name the weights around which a shortcut leads: those of the blocks' branches."""
        return tuple(
            f"blocks.{index}.conv{number}.weight"
            for index in range(len(self.blocks))
            for number in (1, 2)
        )
