// A stream of elements in the order of memory, some of which are written elsewhere, once or several times; the others go.
module edgeq_walk #(
    parameter AXES = 1,                    // nested loops, the innermost in the lowest 32 bits of
    parameter [32*AXES-1:0] SIZES = 1,     // their rounds,
    parameter [32*AXES-1:0] ADVANCES = 1,  // how far the input goes on when they do, 0 to stay,
    parameter [32*AXES-1:0] STEPS = 1,     // and how far the output's address moves
    parameter X_START = 0,
    parameter Y_START = 0,
    parameter TAIL = 1,                    // from the last element that is used to the end, that one included
    parameter ADDRESS = 1                  // bits
) (
    input logic clk,
    input logic rst,
    input logic turn,
    input logic in_valid,
    output logic in_ready,
    output logic put,                      // the element goes to `address`
    output logic [ADDRESS-1:0] address,
    output logic done                      // with the last element
);
    logic [31:0] skip, advance, step;
    logic [AXES-1:0] at_end;
    logic closing, last;
    genvar a;
    integer i;

    assign put = turn && in_valid && skip == 0;
    assign last = put && &at_end;
    assign in_ready = turn && in_valid && (skip != 0 || advance != 0);
    assign done = turn && in_valid && (closing ? skip == 1 : last && TAIL == 1);

    // The loop that goes on is the innermost that is not at its end.
    always_comb begin
        advance = TAIL;
        step = 0;
        for (i = AXES - 1; i >= 0; i = i - 1)
            if (!at_end[i]) begin
                advance = ADVANCES[32*i+:32];
                step = STEPS[32*i+:32];
            end
    end

    generate
        for (a = 0; a < AXES; a = a + 1) begin : axis
            localparam [31:0] SIZE = SIZES[32*a+:32];
            logic [$clog2(SIZE+1)-1:0] count;
            logic goes_on;
            assign at_end[a] = count == SIZE - 1;
            if (a == 0) assign goes_on = put;
            else assign goes_on = put && &at_end[a-1:0];
            always_ff @(posedge clk) begin
                if (rst) count <= 0;
                else if (goes_on) count <= at_end[a] ? 0 : count + 1;
            end
        end
    endgenerate

    always_ff @(posedge clk) begin
        if (rst) begin
            skip <= X_START;
            address <= Y_START;
            closing <= 0;
        end else begin
            if (put) address <= last ? Y_START : address + step;
            if (done) skip <= X_START;
            else if (put) skip <= advance == 0 ? 0 : advance - 1;
            else if (turn && in_valid) skip <= skip - 1;
            closing <= !done && (closing || last);
        end
    end
endmodule
