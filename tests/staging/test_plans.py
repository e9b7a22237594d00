import torch

from fibrolens.plan import Plan, read_plan, write_plan
from fibrolens.staging.network import LFSNetwork
from fibrolens.staging.plans import small_plan


def test_small_plan_survives_its_file(tmp_path):
    write_plan(small_plan(), tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json", Plan) == small_plan()


def test_small_network_has_the_papers_slab_and_a_fine_last_map():
    plan = small_plan()
    network, seen = LFSNetwork(plan.network).eval(), []
    network.conv4.register_forward_hook(lambda _m, _i, output: seen.append(output.shape))
    with torch.no_grad():
        network(torch.zeros(1, 1, plan.slab.slices, *plan.grid.in_plane))
    assert plan.slab.slices == 32
    assert seen == [(1, 64, 8, 16, 16)]
