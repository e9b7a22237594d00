import numpy as np

from fibrolens.audit.pairs import pair_similarity


def keep(path, inside, array):
    np.savez(path, inside=inside, map=array.astype(np.float16))
    return path


def test_scans_are_compared_where_the_middles_of_their_bodies_lie_on_each_other(tmp_path):
    body = np.zeros((6, 8, 8), bool)
    body[1:4, 1:7, 1:7] = True
    array = np.where(body, np.random.default_rng(0).random(body.shape), 0)
    later = np.zeros((9, 8, 8), bool)
    later[4:7] = body[1:4]
    same = np.zeros(later.shape)
    same[4:7] = array[1:4]
    files = [keep(tmp_path / "a.npz", body, array), keep(tmp_path / "b.npz", later, same)]
    assert pair_similarity(files, np.array([[0, 1]]), ["map"])["map"][0] > 0.999
