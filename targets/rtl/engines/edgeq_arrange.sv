// A tensor that WRITERS fill, one after the other, and that then leaves in order. What none of them writes stays as in FILE.
module edgeq_arrange #(
    parameter BITS = 8,
    parameter SIZE = 2,
    parameter WRITERS = 1,
    parameter ADDRESS = 1,
    parameter FILE = ""
) (
    input logic clk,
    input logic rst,
    output logic [WRITERS-1:0] turn,
    input logic [WRITERS-1:0] put,
    input logic [WRITERS-1:0] done,
    input logic [WRITERS*ADDRESS-1:0] address,
    input logic [WRITERS*BITS-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic [BITS-1:0] out_data
);
    logic [WRITERS:0] state;  // whose turn it is; the last one sends
    logic [ADDRESS-1:0] put_address, place;
    logic [BITS-1:0] put_data;
    logic enable, send, sent;
    integer i;

    assign turn = state[WRITERS-1:0];
    assign enable = !out_valid || out_ready;
    assign send = state[WRITERS] && enable;
    assign sent = send && place == SIZE - 1;

    always_comb begin
        put_address = 0;
        put_data = 0;
        for (i = 0; i < WRITERS; i = i + 1)
            if (turn[i]) begin
                put_address = address[i*ADDRESS+:ADDRESS];
                put_data = in_data[i*BITS+:BITS];
            end
    end

    always_ff @(posedge clk) begin
        if (rst) begin
            state <= 1;
            place <= 0;
            out_valid <= 0;
        end else begin
            if (sent) state <= 1;
            else if (|(turn & done)) state <= state << 1;
            if (send) place <= sent ? 0 : place + 1;
            if (enable) out_valid <= state[WRITERS];
        end
    end

    generate
        if (BITS * SIZE < 1024) begin : in_logic
            (* ram_style = "logic" *) logic [BITS-1:0] memory[0:SIZE-1];
            if (FILE != "") initial $readmemh(FILE, memory);
            always_ff @(posedge clk) begin
                if (|put) memory[put_address] <= put_data;
                if (send) out_data <= memory[place];
            end
        end else begin : in_block
            (* ram_style = "block" *) logic [BITS-1:0] memory[0:SIZE-1];
            if (FILE != "") initial $readmemh(FILE, memory);
            always_ff @(posedge clk) begin
                if (|put) memory[put_address] <= put_data;
                if (send) out_data <= memory[place];
            end
        end
    endgenerate
endmodule
