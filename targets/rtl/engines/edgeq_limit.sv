// Numbers within LOW..HIGH.
module edgeq_limit #(
    parameter ACC_BITS = 32,
    parameter BITS = 8,
    parameter LOW = -128,
    parameter HIGH = 127
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic signed [ACC_BITS-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic signed [BITS-1:0] out_data
);
    assign out_valid = in_valid;
    assign in_ready = out_ready;
    assign out_data = in_data < LOW ? LOW : in_data > HIGH ? HIGH : in_data;
endmodule
