import torch

from reid.lookalikes import LISTED, look_alikes


def test_others_of_the_domain_come_in_order_of_angle():
    identities = [("city", "a"), ("pairs", "a"), ("city", "b"), ("city", "c"), ("pairs", "b")]
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 3.0], [5.0, 1.0], [1.0, 1.0]])
    alike = look_alikes(rows, identities)
    assert alike["city", "a"] == [("city", "c"), ("city", "b")]
    assert alike["city", "b"] == [("city", "c"), ("city", "a")]
    assert alike["pairs", "a"] == [("pairs", "b")]


def test_equals_a_naive_loop_and_is_capped():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(LISTED + 20, 8, generator=generator, dtype=torch.float64)
    names = [("d", str(n)) for n in range(len(rows))]
    alike = look_alikes(rows, names)
    cosines = torch.nn.functional.cosine_similarity(rows[3][None], rows)
    wanted = sorted((n for n in range(len(rows)) if n != 3), key=lambda n: -float(cosines[n]))[:LISTED]
    assert alike["d", "3"] == [("d", str(n)) for n in wanted]
