// A word of COUNT elements as COUNT words of one element, the lowest first; one per cycle.
module edgeq_unpack #(
    parameter WIDTH = 8,
    parameter COUNT = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic [WIDTH*COUNT-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic [WIDTH-1:0] out_data
);
    logic [$clog2(COUNT+1)-1:0] left;
    logic [WIDTH*COUNT-1:0] word;

    assign out_valid = left != 0;
    assign out_data = word[WIDTH-1:0];
    assign in_ready = left == 0 || (left == 1 && out_ready);

    always_ff @(posedge clk) begin
        if (rst) left <= 0;
        else if (in_valid && in_ready) left <= COUNT;
        else if (out_valid && out_ready) left <= left - 1;
        if (in_ready) word <= in_data;
        else if (out_ready) word <= word >> WIDTH;
    end
endmodule
