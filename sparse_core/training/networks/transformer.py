"""A small decoder-only transformer for characters."""

from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Causal self-attention; query, key, value and output are linear layers of their own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Mix ``(batch, time, width)`` over earlier times."""
        batch, time, _ = hidden.shape

        def split(projected: Tensor) -> Tensor:
            return projected.view(batch, time, self.heads, -1).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            split(self.query(hidden)),
            split(self.key(hidden)),
            split(self.value(hidden)),
            is_causal=True,
        )
        output: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return output


class Layer(nn.Module):
    """Pre-norm attention and a GELU network, each with a shortcut around it."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform ``(batch, time, width)``."""
        hidden = hidden + self.attention(self.norm1(hidden))
        branch: Tensor = self.down(functional.gelu(self.up(self.norm2(hidden))))
        return hidden + branch


class Transformer(nn.Module):
    """Token and position embeddings, layers, a norm and a head.

    Parameters
    ----------
    vocabulary : int
        Number of different tokens.
    time : int
        Longest sequence.
    width, heads, depth : int
        Features of a token, attention heads, layers.
    """

    def __init__(self, vocabulary: int, time: int, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(time, width)
        self.layers = nn.ModuleList(Layer(width, heads, 4 * width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give the logits ``(batch, time, vocabulary)`` of tokens ``(batch, time)``."""
        hidden = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        for layer in self.layers:
            hidden = layer(hidden)
        logits: Tensor = self.head(self.norm(hidden))
        return logits

    def removable(self) -> tuple[str, ...]:
        """Name the weights around which a shortcut leads."""
        return tuple(
            f"layers.{index}.{name}.weight"
            for index in range(len(self.layers))
            for name in ("attention.value", "attention.output", "up", "down")
        )
