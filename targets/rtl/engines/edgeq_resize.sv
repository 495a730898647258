// Words of FROM elements as words of TO elements, at gcd(FROM, TO) elements per cycle.
module edgeq_resize #(
    parameter BITS = 8,
    parameter FROM = 1,
    parameter TO = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic [BITS*FROM-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic [BITS*TO-1:0] out_data
);
    function automatic integer gcd(input integer a, input integer b);
        integer rest;
        while (b != 0) begin
            rest = a % b;
            a = b;
            b = rest;
        end
        gcd = a;
    endfunction

    localparam PART = gcd(FROM, TO);

    logic valid, ready;
    logic [BITS*PART-1:0] data;

    generate
        if (FROM == PART) begin : whole
            assign valid = in_valid;
            assign in_ready = ready;
            assign data = in_data;
        end else begin : parts
            edgeq_unpack #(.WIDTH(BITS * PART), .COUNT(FROM / PART)) unpack (
                .clk, .rst, .in_valid, .in_ready, .in_data,
                .out_valid(valid), .out_ready(ready), .out_data(data)
            );
        end
        if (TO == PART) begin : same
            assign out_valid = valid;
            assign ready = out_ready;
            assign out_data = data;
        end else begin : joined
            edgeq_pack #(.WIDTH(BITS * PART), .COUNT(TO / PART)) pack (
                .clk, .rst, .in_valid(valid), .in_ready(ready), .in_data(data),
                .out_valid, .out_ready, .out_data
            );
        end
    endgenerate
endmodule
