#!/usr/bin/perl
# Answers every request with the body it got. Of Perl only what a bare Debian has.
use strict;
use warnings;
use IO::Socket::INET;

$SIG{TERM} = $SIG{INT} = sub { exit 0 };
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
my $door = IO::Socket::INET->new(LocalPort => 9000, Listen => 128, ReuseAddr => 1) or die "$@\n";

while (1) {
	my $guest = $door->accept or next;
	next if fork;
	my $length = 0;
	while (defined(my $line = <$guest>)) {
		$length = $1 if $line =~ /^content-length:\s*(\d+)/i;
		last if $line =~ /^\r?\n$/;
	}
	read($guest, my $body, $length);
	print $guest "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ", length $body, "\r\n\r\n", $body;
	exit 0;
}
