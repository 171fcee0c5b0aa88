"""Which columns are arrivals."""

from seisbench_diting.generate import find_arrivals


def test_arrivals_by_the_names_of_seisbenchs_datasets():
    columns = [
        "trace_p_arrival_sample",
        "trace_P_arrival_sample",
        "trace_Pn_arrival_sample",
        "trace_Sg_arrival_sample",
        "trace_s_arrival_sample",
        "trace_pP_arrival_sample",
        "trace_SKS_arrival_sample",
        "trace_p_arrival_uncertainty_s",
        "trace_start_sample",
        "path_p_travel_s",
        "trace_npts",
    ]

    assert find_arrivals(columns) == {
        "trace_p_arrival_sample": "P",
        "trace_P_arrival_sample": "P",
        "trace_Pn_arrival_sample": "P",
        "trace_Sg_arrival_sample": "S",
        "trace_s_arrival_sample": "S",
    }


def test_arrivals_of_a_second_event_and_hidden_ones():
    columns = ["trace_p2_arrival_sample", "trace_p_hidden_sample"]

    assert find_arrivals(columns) == {"trace_p2_arrival_sample": "P"}
