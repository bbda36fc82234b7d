#!/usr/bin/perl
# A responder on 6001 and 6002: every request is answered with 200 and `OK`.
# `--probe` asks both ports and says by its exit status whether they answer.
# Only perl-base is needed, which every Debian image has.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my @ports = (6001, 6002);

if (@ARGV && $ARGV[0] eq '--probe') {
    for my $port (@ports) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 2) or exit 1;
        print $socket "GET /ready HTTP/1.0\r\n\r\n";
        my $line = <$socket> // '';
        exit 1 unless $line =~ m{^HTTP/1\.[01] 200 };
    }
    exit 0;
}

$SIG{TERM} = $SIG{INT} = sub { exit 0 };
$SIG{PIPE} = 'IGNORE';
my $select = IO::Select->new;
my %listeners;
for my $port (@ports) {
    my $socket = IO::Socket::INET->new(LocalPort => $port, Listen => 16, ReuseAddr => 1)
        or die "cannot listen on $port: $!\n";
    $listeners{$socket} = 1;
    $select->add($socket);
}
while (1) {
    for my $ready ($select->can_read) {
        if ($listeners{$ready}) {
            my $client = $ready->accept or next;
            $select->add($client);
            next;
        }
        # One read is enough: whoever asks sends a small request at once.
        sysread $ready, my $request, 8192;
        syswrite $ready, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
            if defined $request && length $request;
        $select->remove($ready);
        close $ready;
    }
}
