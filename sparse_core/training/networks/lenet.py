"""The LeNet of the SSL paper: Caffe's, 20 and 50 filters of 5 x 5, 500 hidden units."""

from torch import Tensor, nn
from torch.nn import functional


class LeNet(nn.Module):
    """Two convolutions with max pooling, two linear layers; ReLU only between the last two.

    Wen et al., NeurIPS 2016, table 1.

    Parameters
    ----------
    channels : int
        Channels of the images.
    size : int
        Their height and width, at least 16.
    outputs : int
        Classes.
    """

    def __init__(self, channels: int, size: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        side = ((size - 4) // 2 - 4) // 2
        self.fc1 = nn.Linear(50 * side * side, 500)
        self.head = nn.Linear(500, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Give the logits ``(batch, outputs)`` of images ``(batch, channels, size, size)``."""
        hidden = functional.max_pool2d(self.conv1(images), 2)
        hidden = functional.max_pool2d(self.conv2(hidden), 2)
        hidden = functional.relu(self.fc1(hidden.flatten(1)))
        logits: Tensor = self.head(hidden)
        return logits
