"""Picture files that tell nothing."""

import numpy as np
from matplotlib.image import imread, imsave

from fibrolens.readers.disguise import disguise


def test_equal_sizes_and_dates_different_bytes_same_pictures(tmp_path):
    noise = np.random.default_rng(0).random((40, 60, 3))
    pictures = {"flat.png": np.zeros((40, 60, 3)), "noise.png": noise, "again.png": noise}
    paths = [tmp_path / name for name in pictures]
    for path, picture in zip(paths, pictures.values(), strict=True):
        imsave(path, picture)
    before = [imread(path) for path in paths]
    assert len({path.stat().st_size for path in paths}) == 2
    disguise(paths, np.random.default_rng(0))
    assert len({path.stat().st_size for path in paths}) == 1
    assert len({path.stat().st_mtime for path in paths}) == 1
    assert len({path.read_bytes() for path in paths}) == 3
    assert all((imread(path) == old).all() for path, old in zip(paths, before, strict=True))
