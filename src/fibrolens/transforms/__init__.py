"""From a CT's own grid to the network grid and back: every step is a frozen dataclass that knows its inverse."""

from fibrolens.transforms.crop import CropPad
from fibrolens.transforms.enlarged import Enlarged, Taps
from fibrolens.transforms.grid import Located, ToNetworkGrid
from fibrolens.transforms.orient import Orient
from fibrolens.transforms.resample import Resample
from fibrolens.transforms.slabs import Slabs
from fibrolens.transforms.window import Window

__all__ = ["CropPad", "Enlarged", "Located", "Orient", "Resample", "Slabs", "Taps", "ToNetworkGrid", "Window"]
