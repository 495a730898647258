// COUNT words of one element as one word, the first in its lowest bits; takes one per cycle.
module edgeq_pack #(
    parameter WIDTH = 8,
    parameter COUNT = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic [WIDTH-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic [WIDTH*COUNT-1:0] out_data
);
    logic [$clog2(COUNT+1)-1:0] held;

    assign out_valid = held == COUNT;
    assign in_ready = !out_valid || out_ready;

    always_ff @(posedge clk) begin
        if (rst) held <= 0;
        else if (in_ready) held <= (out_valid ? 0 : held) + in_valid;
        if (in_valid && in_ready) out_data <= {in_data, out_data} >> WIDTH;
    end
endmodule
