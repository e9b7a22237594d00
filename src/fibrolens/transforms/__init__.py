"""From a CT's own grid to the network grid and back: every step is a frozen dataclass that knows its inverse.

`Slabs`, of the network's tensors, is taken from `transforms.slabs`: what reads a file need not wait for torch.
"""

from fibrolens.transforms.crop import CropPad
from fibrolens.transforms.enlarged import Enlarged, Taps, filled_slices
from fibrolens.transforms.grid import Located, ToNetworkGrid
from fibrolens.transforms.orient import Orient
from fibrolens.transforms.resample import Resample
from fibrolens.transforms.window import Window

__all__ = ["CropPad", "Enlarged", "Located", "Orient", "Resample", "Taps", "ToNetworkGrid", "Window", "filled_slices"]
