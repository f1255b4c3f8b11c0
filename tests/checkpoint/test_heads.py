from ptinspect.checkpoint.heads import heads


def test_that_a_head_is_the_last_child_below_single_children_and_those_with_usual_names():
    assert heads(["conv.weight", "fc.weight", "norm.weight"]) == ("fc.", "norm.")
    assert heads(["net.body.conv.weight", "net.body.out.weight"]) == ("net.body.out.",)
    assert heads(["token", "body.weight", "head.weight"]) == ("head.",)
    assert heads(["weight", "bias"]) == ()
