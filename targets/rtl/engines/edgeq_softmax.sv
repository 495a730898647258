// e[i] / sum(e) in steps of 2^-14, e[i] = table[max - x[i]]: docs/NUMERICS.md of edgeq, "Softmax". Bit-serial division.
module edgeq_softmax #(
    parameter COUNT = 2,  // elements of a row
    parameter FILE = ""
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic signed [7:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic signed [31:0] out_data
);
    localparam TERM = 17;  // bits of a table entry, at most 2^16
    localparam SUM = TERM + $clog2(COUNT);
    localparam QUOTIENT = 15;  // bits, at most 2^14
    localparam LOAD = 0, FETCH = 1, LOOKUP = 2, USE = 3, DIVIDE = 4, SEND = 5;

    (* rom_style = "block" *) logic [TERM-1:0] terms[0:255];
    logic signed [7:0] row[0:COUNT-1];
    logic [2:0] state;
    logic summed, row_end;
    logic [$clog2(COUNT+1)-1:0] index;
    logic [3:0] digits;
    logic signed [7:0] x, top;
    logic [7:0] distance;
    logic [TERM-1:0] term;
    logic [SUM-1:0] sum;
    logic [SUM+QUOTIENT-1:0] numerator;
    logic [SUM:0] remainder, next;
    logic [QUOTIENT-1:0] rest, quotient;

    initial $readmemh(FILE, terms);

    assign in_ready = state == LOAD;
    assign out_valid = state == SEND;
    assign out_data = quotient;
    assign row_end = index == COUNT - 1;
    assign distance = top - x;
    assign numerator = ({{(SUM + QUOTIENT - TERM) {1'b0}}, term} << (QUOTIENT - 1)) + (sum >> 1);
    assign next = {remainder, rest[QUOTIENT-1]};

    always_ff @(posedge clk) begin
        if (state == LOAD && in_valid) row[index] <= in_data;
        if (state == FETCH) x <= row[index];
        if (state == LOOKUP) term <= terms[distance];
    end

    always_ff @(posedge clk) begin
        if (rst) begin
            state <= LOAD;
            index <= 0;
        end else begin
            case (state)
                LOAD: if (in_valid) begin
                    if (index == 0 || in_data > top) top <= in_data;
                    if (row_end) state <= FETCH;
                    index <= row_end ? 0 : index + 1;
                    sum <= 0;
                    summed <= 0;
                end
                FETCH: state <= LOOKUP;
                LOOKUP: state <= USE;
                USE: if (!summed) begin
                    sum <= sum + term;
                    summed <= row_end;
                    index <= row_end ? 0 : index + 1;
                    state <= FETCH;
                end else begin
                    remainder <= numerator >> QUOTIENT;
                    rest <= numerator[QUOTIENT-1:0];
                    digits <= QUOTIENT - 1;
                    state <= DIVIDE;
                end
                DIVIDE: begin
                    remainder <= next >= sum ? next - sum : next;
                    quotient <= {quotient, next >= sum};
                    rest <= rest << 1;
                    digits <= digits - 1;
                    if (digits == 0) state <= SEND;
                end
                default: if (out_ready) begin
                    state <= row_end ? LOAD : FETCH;
                    index <= row_end ? 0 : index + 1;
                end
            endcase
        end
    end
endmodule
