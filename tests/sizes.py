"""How large the tensors are that a piece of code makes."""

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Sizes(TorchDispatchMode):
    """Within the block, `made` collects the number of elements of every new tensor, forward and backward."""

    def __init__(self):
        super().__init__()
        self.made = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and not function.is_view:
            self.made.append(found.numel())
        return found
