// A tensor that WRITERS fill, one after the other, and that then leaves in order. Two of them: one leaves while the next is
// filled. What no writer fills stays as in FILE, which has it twice.
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
    logic [WRITERS-1:0] next;  // whose turn it is, once there is room
    logic [1:0] full;
    logic filling, sending;    // which of the two
    logic [ADDRESS-1:0] put_address, place;
    logic [ADDRESS:0] write_address, read_address;
    logic [BITS-1:0] put_data;
    logic enable, filled, send, sent;
    integer i;

    assign turn = full[filling] ? 0 : next;
    assign filled = turn[WRITERS-1] && done[WRITERS-1];
    assign enable = !out_valid || out_ready;
    assign send = full[sending] && enable;
    assign sent = send && place == SIZE - 1;
    assign write_address = put_address + (filling ? SIZE : 0);
    assign read_address = place + (sending ? SIZE : 0);

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
            next <= 1;
            full <= 0;
            filling <= 0;
            sending <= 0;
            place <= 0;
            out_valid <= 0;
        end else begin
            if (filled) next <= 1;
            else if (|(turn & done)) next <= next << 1;
            if (filled) full[filling] <= 1;
            if (sent) full[sending] <= 0;
            filling <= filling ^ filled;
            sending <= sending ^ sent;
            if (send) place <= sent ? 0 : place + 1;
            if (enable) out_valid <= full[sending];
        end
    end

    generate
        if (2 * BITS * SIZE < 1024) begin : in_logic
            (* ram_style = "logic" *) logic [BITS-1:0] memory[0:2*SIZE-1];
            if (FILE != "") initial $readmemh(FILE, memory);
            always_ff @(posedge clk) begin
                if (|put) memory[write_address] <= put_data;
                if (send) out_data <= memory[read_address];
            end
        end else begin : in_block
            (* ram_style = "block" *) logic [BITS-1:0] memory[0:2*SIZE-1];
            if (FILE != "") initial $readmemh(FILE, memory);
            always_ff @(posedge clk) begin
                if (|put) memory[write_address] <= put_data;
                if (send) out_data <= memory[read_address];
            end
        end
    endgenerate
endmodule
