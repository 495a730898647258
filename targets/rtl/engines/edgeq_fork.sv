// One stream for COUNT readers: each takes every word once, in its own time.
module edgeq_fork #(
    parameter COUNT = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    output logic [COUNT-1:0] out_valid,
    input logic [COUNT-1:0] out_ready
);
    logic [COUNT-1:0] served;

    assign out_valid = {COUNT{in_valid}} & ~served;
    assign in_ready = &(out_ready | served);

    always_ff @(posedge clk) begin
        if (rst || in_ready) served <= 0;
        else if (in_valid) served <= served | out_ready;
    end
endmodule
